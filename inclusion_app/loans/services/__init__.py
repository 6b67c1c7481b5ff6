"""What changes something in the loan scheme: verbs that take the session, the actor and the moment."""
