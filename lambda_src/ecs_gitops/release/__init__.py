"""The release as a whole: its check, its batches."""
