"""What responses are made of: problems, pages, streams, content, archives."""
