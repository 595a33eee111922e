"""The shop: a small order-taking application, used to show and test backup and recovery."""
