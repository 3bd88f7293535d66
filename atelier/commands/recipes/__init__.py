"""How pictures were made: recipes beside pictures, and settings under names."""
