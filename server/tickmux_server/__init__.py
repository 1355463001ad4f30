"""The Tickmux server: publisher, log, hub, subscriptions and the gRPC service over them."""
