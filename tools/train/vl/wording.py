"""How people put the questions.

One idea: every kind of question has a list of phrasings, and in each list every fifth one is never trained on: it is
kept for the held-out questions.
"""

from words import pick

EVERY = 5

PHRASES = {
    "count all": [
        "How many shapes are there?", "How many shapes do you see?", "Count the shapes.",
        "How many objects are in the picture?", "What number of shapes can you see?",
        "How many shapes are in this image?", "How many things are drawn here?", "Count all the shapes in the picture."
    ],
    "count shape": [
        "How many {s} are there?", "How many {s} do you see?", "Count the {s}.", "How many {s} are in the picture?",
        "What is the number of {s}?", "How many {s} can you find?", "How many {s} does the image have?"
    ],
    "count colour": [
        "How many {c} shapes are there?", "How many {c} shapes do you see?", "Count the {c} shapes.",
        "How many shapes are {c}?", "How many {c} objects can you find?", "How many {c} objects are in the picture?",
        "How many of the shapes are {c}?"
    ],
    "count both": [
        "How many {c} {s} are there?", "How many {c} {s} do you see?", "Count the {c} {s}.",
        "How many {c} {s} are in the picture?", "How many {c} {s} can you find?",
        "How many {c} {s} does the image have?", "How many {s} are {c}?"
    ],
    "colour of": [
        "What colour is the {s}?", "What is the colour of the {s}?", "Which colour does the {s} have?",
        "What color is the {s}?", "Tell me the colour of the {s}.", "Which colour is the {s}?",
        "Name the colour of the {s}."
    ],
    "shape of": [
        "What shape is {c}?", "Which shape is {c}?", "What is the shape of the {c} object?",
        "What shape is the {c} one?", "Name the {c} shape.", "What is the {c} shape?",
        "What kind of shape is the {c} one?"
    ],
    "what one": [
        "What shape is this?", "What shape is in the picture?", "Which shape do you see?", "What shape is it?",
        "Name the shape in this picture.", "What shape is shown?", "Which shape is drawn here?"
    ],
    "colour one": [
        "What colour is it?", "What colour is the shape?", "Which colour does the shape have?",
        "What color is this shape?", "Name the colour of this shape.", "What is the colour of the shape?",
        "Which colour is it?"
    ],
    "exists": [
        "Is there a {x}?", "Do you see a {x}?", "Is there a {x} in the picture?", "Can you see a {x}?",
        "Does the picture show a {x}?", "Is a {x} in the image?", "Does the picture have a {x}?"
    ],
    "left or right": [
        "Is the {x} left or right of the {y}?", "Is the {x} to the left or to the right of the {y}?",
        "On which side of the {y} is the {x}, left or right?", "Left or right of the {y}: where is the {x}?",
        "Is the {x} on the left or on the right of the {y}?", "Seen from the {y}, is the {x} left or right?"
    ],
    "above or below": [
        "Is the {x} above or below the {y}?", "Is the {x} over or under the {y}, above or below?",
        "Above or below the {y}: where is the {x}?", "Where is the {x}, above or below the {y}?",
        "Does the {x} lie above or below the {y}?", "Seen from the {y}, is the {x} above or below?"
    ],
    "is left": [
        "Is the {x} left of the {y}?", "Is the {x} to the left of the {y}?", "Is the {x} on the left side of the {y}?",
        "Does the {x} lie to the left of the {y}?", "Is the {x} further left than the {y}?"
    ],
    "is above": [
        "Is the {x} above the {y}?", "Is the {x} higher than the {y}?", "Does the {x} lie above the {y}?",
        "Is the {x} over the {y}?", "Is the {x} higher up than the {y}?"
    ],
    "leftmost": [
        "Which shape is the leftmost?", "What is the leftmost shape?", "Which shape is furthest to the left?",
        "What shape is at the far left?", "Which of the shapes is leftmost?", "What is furthest to the left?"
    ],
    "rightmost": [
        "Which shape is the rightmost?", "What is the rightmost shape?", "Which shape is furthest to the right?",
        "What shape is at the far right?", "Which of the shapes is rightmost?", "What is furthest to the right?"
    ],
    "topmost": [
        "Which shape is the topmost?", "What is the topmost shape?", "Which shape is highest up?",
        "What shape is at the very top?", "Which of the shapes is topmost?", "Which shape is nearest to the top?"
    ],
    "bottommost": [
        "Which shape is the bottommost?", "What is the bottommost shape?", "Which shape is lowest down?",
        "What shape is at the very bottom?", "Which of the shapes is bottommost?",
        "Which shape is nearest to the bottom?"
    ],
    "place": [
        "Where is the {x}?", "Where in the picture is the {x}?", "In which part of the picture is the {x}?",
        "What is the position of the {x}?", "Where can I find the {x}?", "Where do you see the {x}?",
        "Tell me where the {x} is."
    ],
    "in corner": [
        "What is in the {p} corner?", "Which shape is in the {p} corner?", "What shape is in the {p}?",
        "What do you see in the {p} corner?", "Name the shape in the {p} corner.", "What is at the {p}?"
    ],
    "largest": [
        "Which shape is the largest?", "What is the largest shape?", "Which shape is the biggest?",
        "What is the biggest shape?", "Which of the shapes is largest?", "Name the largest shape.",
        "Which is the biggest one?"
    ],
    "smallest": [
        "Which shape is the smallest?", "What is the smallest shape?", "Which one is the smallest?",
        "Name the smallest shape.", "Which of the shapes is smallest?", "What is the littlest shape?",
        "Which shape is the least big?"
    ],
    "describe": [
        "Describe the picture.", "What do you see?", "What is in the picture?", "Describe this image.",
        "Tell me what you see.", "What does the picture show?", "What is shown here?",
        "Describe what you see in the picture."
    ],
    "background": [
        "What colour is the background?", "What is the colour of the background?", "Which colour is the background?",
        "What color is the background?", "Name the colour of the background.", "What colour is behind it all?"
    ],
    "read word": [
        "What does it say?", "Read the word.", "What word is this?", "What is written here?", "What does the word say?",
        "Which word is in the picture?", "Read the text.", "What is the word?", "What word do you see?",
        "Which word can you read?"
    ],
    "read number": [
        "What number is this?", "Read the number.", "Which number is in the picture?", "What number is shown?",
        "Which number do you see?", "What is the number?", "What is written here?", "Read the digits.",
        "Which number is written here?", "Tell me the number in the picture."
    ],
    "read all": [
        "Read all the text.", "What does the text say?", "Read everything.", "Read the whole text.",
        "What is all the text?", "Read the text from top to bottom."
    ],
    "read line": [
        "What does the {p} line say?", "Read the {p} line.", "What is written in the {p} line?",
        "Which text is in the {p} line?", "What can you read in the {p} line?", "What is in the {p} line?"
    ],
    "read coloured": [
        "What does the {c} text say?", "Read the {c} text.", "What is written in {c}?", "Which text is {c}?",
        "What is the {c} text?", "Read what is written in {c}."
    ],
    "text colour": [
        "What colour is the text?", "What colour is the writing?", "Which colour does the text have?",
        "What color is the text?", "In which colour is the text?", "What is the colour of the text?"
    ],
    "count lines": [
        "How many lines of text are there?", "How many lines do you see?", "Count the lines of text.",
        "How many lines are there?", "How many lines does the text have?"
    ],
    "count letters": [
        "How many letters does the word have?", "Count the letters.", "How many letters are in the word?",
        "How long is the word in letters?", "How many letters can you count?"
    ],
    "first letter": [
        "What is the first letter?", "Which letter does the word begin with?", "What letter comes first?",
        "Which is the first letter of the word?", "With which letter does it start?"
    ],
    "count bars": [
        "How many bars are there?", "How many bars do you see?", "Count the bars.",
        "How many bars does the chart have?", "How many bars can you count?", "How many bars are in the chart?"
    ],
    "tallest": [
        "Which bar is the tallest?", "What is the tallest bar?", "Which bar is the highest?",
        "Which bar has the largest value?", "What is the highest bar called?", "Which one is the tallest?"
    ],
    "shortest": [
        "Which bar is the shortest?", "What is the shortest bar?", "Which bar is the lowest?",
        "Which bar has the smallest value?", "What is the lowest bar called?", "Which one is the shortest?"
    ],
    "value": [
        "What is the value of {x}?", "What value does {x} have?", "How high is {x}?", "How tall is the bar {x}?",
        "What number does the bar {x} show?", "How much is {x}?", "Give me the value of the bar {x}."
    ],
    "compare bars": [
        "Is {x} taller than {y}?", "Is {x} higher than {y}?", "Is the bar {x} taller than the bar {y}?",
        "Is {x} larger than {y}?", "Is the value of {x} larger than that of {y}?"
    ],
    "bar colour": [
        "What colour is the bar {x}?", "Which colour is {x}?", "What colour is {x}?", "What color is the bar {x}?",
        "What is the colour of the bar {x}?", "Name the colour of the bar {x}."
    ],
    "more": [
        "Which picture has more {s}?", "Which picture has more {s}, the first or the second?",
        "Where are more {s}, in the first or in the second picture?", "In which picture are more {s}?",
        "Which of the two pictures has more {s}?", "Does the first or the second picture have more {s}?"
    ],
    "which has": [
        "In which picture is the {x}?", "Which picture shows the {x}?",
        "Which picture has the {x}, the first or the second?",
        "Where is the {x}, in the first or in the second picture?", "Which of the two pictures shows the {x}?"
    ],
    "same shape": [
        "Do both pictures show the same shape?", "Is the shape the same in both pictures?",
        "Are the two shapes the same?", "Do the two pictures show the same shape?", "Is it the same shape in both?"
    ],
    "same colour": [
        "Do both shapes have the same colour?", "Is the colour the same in both pictures?",
        "Are the two shapes of the same colour?", "Do the two pictures show the same colour?",
        "Is it the same colour in both?"
    ],
    "in picture": [
        "How many {s} are in the {n} picture?", "How many {s} does the {n} picture have?",
        "Count the {s} in the {n} picture.", "In the {n} picture, how many {s} are there?",
        "How many {s} do you see in the {n} picture?"
    ],
    "read picture": [
        "What does the {n} picture say?", "Read the word in the {n} picture.", "What is written in the {n} picture?",
        "Which word is in the {n} picture?", "What can you read in the {n} picture?"
    ],
}


def ask(rng, kind: str, held_out: bool = False, **words) -> str:
    """A question of this kind. `held_out`: one that may be phrased as training never does."""
    phrases = PHRASES[kind]
    while True:
        at = int(rng.random() * len(phrases))
        if held_out or at % EVERY != EVERY - 1:
            break
    return a_or_an(phrases[at].format(**words))


def a_or_an(text: str) -> str:
    return text.replace(" a oval",
                        " an oval").replace(" a orange",
                                            " an orange").replace("A oval", "An oval").replace("A orange", "An orange")


def casual(rng, question: str) -> str:
    """As it is often typed."""
    dice = rng.random()
    if dice < 0.12:
        question = question[0].lower() + question[1:]
    elif dice < 0.2:
        question = pick(
            rng, ["Please: ", "Look at the picture. ", "Tell me: ", "Troika, ", "Look: ", "A question: "]) + question
    if rng.random() < 0.08 and question[-1] in ".?":
        question = question[:-1]
    elif rng.random() < 0.06:
        question += pick(rng, [" Answer briefly.", " Thanks!", " Please answer in one word.", " Be brief."])
    return question
