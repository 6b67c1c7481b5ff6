"""Hand-over: the right device, set as asked, its parts ticked, agreed to, and out."""
