"""Where help is: libraries, makers' places, Wi-Fi, online centres, repair cafés, device and data banks.

Nouns: place, opening span, facility, postcode, ward, neighbourhood, report. Everything that is one city's own
stands in its city pack (places/city/<name>). Used by everybody; the postcode somebody types is kept for the visit only.
"""
