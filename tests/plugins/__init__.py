"""What the tests start beside the service: a database cluster, a browser, the server itself."""
