"""How nothing is lost: transport, lanes, views, topics, the embedded broker."""
