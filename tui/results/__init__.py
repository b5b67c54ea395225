"""What the tab Results shows, as plain values: columns, plots, differences. No Textual here."""
