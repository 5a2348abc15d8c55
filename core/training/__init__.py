"""How networks are trained: the paper's recipe, for one training set or a stack of them."""
