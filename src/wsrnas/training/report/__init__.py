"""What a training leaves to be read: its page, its figures and its model card."""
