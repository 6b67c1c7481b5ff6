"""My digital roadmap: a digital-inclusion service, for Manchester first."""
