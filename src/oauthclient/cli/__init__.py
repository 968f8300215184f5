"""The command `oauthclient`: log in, call APIs, look after what was registered; results alone are on stdout."""
