"""The device loan scheme: laptops, tablets, phones, Wi-Fi hubs and SIMs, for whoever needs one most.

Nouns: device model, unit, kit part, SIM, request, queue, offer, loan, wipe, ticket, stock-take.
Residents ask and renew here; caseworkers ask for them; loan coordinators run it.
"""
