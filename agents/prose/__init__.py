"""Text as the hands see it: clean, words, sentences, figures, blocks of a source, an article. Pure functions."""
