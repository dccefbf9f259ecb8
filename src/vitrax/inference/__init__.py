"""Jobs over many images, such as template matching and refinement. Empty so far."""
