"""How answers look: tables, graphs, pages. Values come in, text goes out."""
