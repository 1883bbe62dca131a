"""The console API: people, accounts, money and the state of the gateway, for a frontend and for scripts."""
