"""The page as HTML, PDF and Markdown: one small renderer each, over the same blocks."""
