"""Log-probabilities of images: marginal likelihoods, correlation. Empty so far."""
