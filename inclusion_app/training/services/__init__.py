"""The verbs of training. Only `places` changes how many places are taken, held, or waited for."""
