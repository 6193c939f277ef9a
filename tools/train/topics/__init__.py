"""The topics of the training chats: each module draws talks about one thing. `ALL` lists them in a fixed order."""
