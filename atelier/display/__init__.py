"""What commands print: tables, pages, errors."""
