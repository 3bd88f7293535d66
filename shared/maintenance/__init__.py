"""What is done from time to time: expired leases, expired jobs and files, objects without a record."""
