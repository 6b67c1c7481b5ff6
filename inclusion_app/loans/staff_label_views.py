"""Label sheets, and the page on which a coordinator scans one label."""
