"""Text as the hands see it: words, sentences, figures, sources, articles. Pure functions."""
