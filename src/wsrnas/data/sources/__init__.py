"""Where images and labels come from, before anything is decoded: one file a kind, and what they share."""
