"""The networks: StyleGAN2 generator, IR-SE encoders, and pSp, which joins them. Plain PyTorch, any device."""
