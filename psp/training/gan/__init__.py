"""Training of a generator by itself, StyleGAN2 against a discriminator, on few pictures.

Words:
    GAN: two networks: the generator makes pictures, the discriminator tells them from real ones.
    DiffAugment, ADA: real and made pictures are varied alike, as often as the discriminator overfits.
    Fréchet distance: of two sets of pictures, as Gaussians of features; here AlexNet's, so it is not FID.
"""
