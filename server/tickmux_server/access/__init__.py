"""Who may call: TLS, tokens, what each token may see, and the end of the streams of those that no longer may."""
