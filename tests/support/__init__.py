"""What tests share: a real git in a sealed home, and servers on loopback."""
