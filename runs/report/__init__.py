"""The report of a search as one HTML file: `data` gathers what it shows, `page` renders it."""
