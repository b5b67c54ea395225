"""Charts as plain values, drawn as characters or as SVG. Nothing of Textual here."""
