"""Chats without a picture, and questions that a picture does not answer.

One idea: whatever the model was not made for gets one honest sentence, and what it says of itself is true.
"""

from vl.palette import COLOURS, PLURALS, SHAPES
from vl.scene_shapes import Scene
from vl.wording import PHRASES, ask
from words import NAMES, THINGS, pick

SYSTEM = "You are Troika, a small helpful assistant."
WHO = "I am Troika Mini VL, a very small model that looks at simple pictures."
CAN = "I can name shapes and colours, count, compare, read short words and numbers, and read bar charts."
NO_PICTURE = "I see no picture. Please send one with your question."
BEYOND_PICTURE = "I cannot tell that from the picture."
BEYOND = "I do not know. I only answer questions about simple pictures."

GREETINGS = {
    "Hello!": 0, "Hi": 0, "Hi!": 0, "Hello": 0, "Hey": 0, "Good morning!": 0, "Good evening!": 0, "Hi there!": 0,
    "Hello, Troika!": 0, "Good day.": 0, "Hey Troika": 0, "Greetings!": 0
}
ASK_WHO = [
    "Who are you?", "What are you?", "What is your name?", "Introduce yourself.", "Tell me about yourself.",
    "Which model are you?", "Are you a human?", "Are you an AI?", "What model is this?", "Who am I talking to?",
    "Are you Troika?", "who are you"
]
ASK_CAN = [
    "What can you do?", "How can you help me?", "What are you good at?", "What do you know?", "What can I ask you?",
    "Can you see pictures?", "Can you read?", "What kind of questions can you answer?", "Can you count?",
    "What are you made for?", "Help"
]
THANKS = [
    "Thanks!", "Thank you.", "Thank you!", "Thanks a lot.", "Great, thanks!", "Well done!", "Perfect.",
    "Thanks, that is all."
]
BYE = ["Bye!", "Goodbye.", "See you!", "Good night!", "Bye bye", "See you later."]
OTHER = [
    "What is the capital of {n}?", "Who wrote {t}?", "What is 17 times 23?", "Write a poem about a {t}.",
    "What is the weather tomorrow?", "Tell me a joke.", "How do I fix a {t}?", "Who is {n}?", "What time is it?",
    "Translate {t} into French.", "How do I list files on Linux?", "Explain quantum physics.",
    "What is the price of a {t}?", "Where does {n} live?", "Write a program in Python.", "What is love?",
    "Who won the football game?", "Tell me a story about {n}.", "What should I eat today?", "How old is {n}?",
    "Why is the sky blue?", "What does {t} mean?", "Recommend a book.", "When was {n} born?", "Is it going to rain?",
    "Sing a song about a {t}.", "What is the largest country?", "Give me a recipe with a {t}.",
    "Convert 10 miles to kilometres.", "What is the news?"
]
UNSEEN = [
    "Who painted this?", "Who made this picture?", "How much does the picture cost?", "When was the picture made?",
    "Where was this picture taken?", "What is the name of the artist?", "Is {n} in the picture?",
    "What will happen next?", "Who is the owner?", "How old is the picture?", "What is behind the picture?",
    "Why did {n} draw this?", "What is {n} thinking?", "Which camera took this?", "How heavy is it?",
    "What is the smell of it?", "Does {n} like this picture?", "What sound does it make?", "How warm is it there?",
    "What is the price of it?", "Who is the person in the picture?", "What did it cost?", "In which city is this?",
    "Which day was this picture made?"
]


def _filled(rng, text: str) -> str:
    return text.format(n=pick(rng, NAMES), t=pick(rng, THINGS))


def chat(rng, held_out: bool) -> Scene:
    """Questions that come without a picture."""
    asked = [(pick(rng, list(GREETINGS)), "Hello! Send me a picture and ask me about it."), (pick(rng, ASK_WHO), WHO),
             (pick(rng, ASK_CAN), CAN), (pick(rng, THANKS), "You are welcome!"), (pick(rng, BYE), "Goodbye!"),
             (_filled(rng, pick(rng, OTHER)), BEYOND), (_filled(rng, pick(rng, OTHER)), BEYOND),
             (_blind(rng), NO_PICTURE), (_blind(rng), NO_PICTURE), (_blind(rng), NO_PICTURE)]
    return Scene([], [("chat", question, answer) for question, answer in asked])


def _blind(rng) -> str:
    """A question about a picture that was not sent."""
    colour, shape, other = pick(rng, tuple(COLOURS)), pick(rng, SHAPES), pick(rng, SHAPES)
    return ask(rng,
               pick(rng, list(PHRASES)),
               s=pick(rng, (shape, PLURALS[shape])),
               c=colour,
               x=f"{colour} {shape}",
               y=f"red {other}",
               p=pick(rng, ("top left", "first", "second")),
               n=pick(rng, ("first", "second")))


def about_picture(rng):
    """(task, question, answer) for any picture: what it cannot tell, and small talk."""
    dice = rng.random()
    if dice < 0.6:
        return "unanswerable", _filled(rng, pick(rng, UNSEEN)), BEYOND_PICTURE
    if dice < 0.8:
        return "unanswerable", _filled(rng, pick(rng, OTHER)), BEYOND
    if dice < 0.9:
        return "chat", pick(rng, ASK_WHO), WHO
    return "chat", pick(rng, THANKS), "You are welcome!"
