"""What much work would take: workers, hours, storage and memory, by what was measured."""
