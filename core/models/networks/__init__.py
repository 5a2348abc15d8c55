"""Networks for small images, one a file; each has `network(channels, classes)`.

All take float32 of shape (n, channels, height, width) in [0, 1] of any height and width, see
`field`, and give (n, classes). Their layers are those that `torch.func.vmap` can stack.
"""
