"""The paper of a request or a loan, in its own language beside English."""
