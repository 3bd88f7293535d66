"""Image files as bytes: what their structure says, and a copy that holds nothing but the picture."""
