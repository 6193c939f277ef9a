"""What people type without thinking of what the model knows: tasks for the shell in their own words, small lists,
feelings, number words, and sentences that make no sense to it.

One idea: whatever else comes gets the same honest answer, so the model must have seen a great deal of whatever else.
"""

from talk import Talk, wording
from topics.refusals import BEYOND
from words import ABSTRACT, ANIMALS, FOODS, NAMES, PEOPLE, QUALITIES, THINGS, VERBS, WORDS, invented, pick

_TASKS = """ls:list files|see the files in a folder|show the files of a directory;
cp:copy a file|copy files|duplicate a file;mv:move a file|rename a file|move files;
rm:delete a file|remove a file|delete files;rmdir:delete an empty directory|remove an empty folder;
mkdir:create a directory|make a folder|create a folder;cat:print a file|show the content of a file;
head:see the first lines of a file|print the top of a file;
tail:see the last lines of a file|follow a log file;
grep:search for text in a file|find lines that match|search in files;
find:find a file by name|search for files;wc:count lines|count the words in a file|count the lines of a file;
sort:sort lines|sort a file;uniq:remove repeated lines|drop duplicate lines;
diff:compare two files|see how two files differ;
chmod:change permissions|make a file executable|change the mode of a file;chown:change the owner of a file;
df:see free disk space|check the disk space|see how full the disk is;
du:see how large a folder is|see the size of a directory;free:see free memory|check the memory;
ps:list processes|see running processes;kill:stop a process|end a process;
top:watch processes|see what uses the CPU;uptime:see how long the machine is up;
pwd:see the current directory|see where I am in the file system;date:see the date|print the date;
whoami:see my user name;hostname:see the name of the machine;
uname:see the kernel version|see system information;tar:make an archive|unpack an archive|extract a tar file;
gzip:compress a file;gunzip:decompress a gz file;zip:make a zip file;
unzip:unpack a zip file|extract a zip file;ssh:log in to another machine|connect to a server;
scp:copy a file to another machine;rsync:synchronise two folders|mirror a directory;
curl:fetch a URL|send an HTTP request;wget:download a file;ping:test a connection|see if a host answers;
man:read a manual page|get help on a command;less:page through a file|read a long file;
touch:create an empty file|update a timestamp;ln:make a link|create a symbolic link;
sed:replace text in a file|edit a stream;cut:take columns out of a file|select fields of lines;
tr:replace characters|translate characters;tee:write to a file and the screen;
xargs:run a command for each line of input;sleep:wait some seconds;passwd:change my password;
sudo:run a command as root;mount:mount a disk;umount:unmount a disk;lsblk:list disks|list block devices;
lscpu:see what CPU I have|see the processor;lspci:list PCI devices;lsusb:list USB devices;
make:build a program;sha256sum:compute a checksum;seq:print a row of numbers;
watch:repeat a command|run a command again and again;history:see earlier commands;git clone:copy a repository;
git commit:record changes;git status:see what changed in a repository;git log:see earlier commits;
git push:upload commits;git pull:get new commits"""
TASKS = [(command.strip(), tasks.split("|")) for command,
         tasks in (row.split(":") for row in _TASKS.replace("\n", "").split(";"))]
_TASK = ["How do I {t}?", "How can I {t}?", "Which command do I use to {t}?", "What command can {t}?",
         "How to {t}?", "I want to {t}.", "How do you {t}?",
         "How do I {t} on Linux?", "How do I {t} in the terminal?", "What is the command to {t}?",
         "I need to {t}.", "Is there a command to {t}?", "command to {t}"]

_LISTS = {"fruits": "apple banana cherry mango pear plum peach".split(),
          "colours": "red green blue yellow black white orange".split(),
          "animals": "cat dog horse cow sheep goat pig".split(),
          "planets": "Mercury Venus Earth Mars Jupiter Saturn Uranus".split(),
          "vegetables": "carrot potato onion tomato spinach lettuce pea".split(),
          "days": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
          "countries": "France Germany Italy Spain Poland Japan Brazil".split(),
          "numbers": "1 2 3 4 5 6 7".split(), "letters": "a b c d e f g".split(),
          "birds": "eagle owl raven swan duck crow penguin".split(),
          "metals": "iron copper gold silver tin lead zinc".split()}
_LIST = ["List {n} {k}.", "Name {n} {k}.", "Give me {n} {k}.", "Tell me {n} {k}.", "Write {n} {k}."]
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()

_FEELINGS = (("I am sorry to hear that.",
              "sad tired ill sick lonely angry afraid bored stressed unhappy hungry thirsty cold worried nervous confused lost".split()),
             ("I am glad to hear that.",
              "happy glad fine well great excited proud good ready awake relaxed".split()))

_ODD = ["Why is the {t} {q}?", "Can a {a} {v}?", "I want to {v} a {t}.", "I would like to {v} the {t}.",
        "Tell me about the {t}.", "What is a {t}?", "How do I {v} a {t}?",
        "Does the {t} {v}?", "Do you like {f}?", "Is a {t} {q}?", "Where can I buy a {t}?",
        "What do you think about {i}?", "Can you {v} a {t}?", "When does the {t} {v}?",
        "Why do {p}s {v}?", "Who made the {t}?", "Tell me something about {i}.", "Should I {v} the {t}?",
        "What happens if I {v} a {t}?", "Which {t} is {q}?",
        "My {t} is {q}.", "The {t} is {q}.", "I have a {q} {t}.", "How much is a {t}?",
        "How many {t}s are there?", "What colour is a {t}?", "What is the {q} {t}?",
        "Give me a {t}.", "Is {f} {q}?", "Why does my {a} {v}?", "Help me {v} the {t}.", "Let us {v}.",
        "What does a {p} do?", "Who is the {p}?", "Have you seen my {t}?",
        "Did you {v} the {t}?", "How does a {t} work?", "How old is the {t}?", "{n} miles in km",
        "Convert {n} miles to kilometres.", "How many acres are {n} hectares?",
        "What is {n} knots in km/h?", "Convert {n} pounds to kilograms.", "How many gallons are {n} litres?",
        "Explain how to {v} a {t}.", "Make me a {f} sandwich.",
        "Recommend a {q} {t}.", "Is it {q} to {v}?", "Do {a}s {v}?", "What rhymes with {t}?",
        "Use the word {t} in a sentence.", "Define {i}.", "What does {q} mean?",
        "Tell me a joke.", "Tell me a joke about a {a}.", "Write a haiku.", "Write a limerick about a {a}.",
        "Sing a song.", "Tell me a riddle.", "Tell me a fact.", "Surprise me.",
        "Who is {x}?", "What is {x}?", "Do you know {x}?", "Tell me about {x}."]
_FAMOUS = ["Albert Einstein", "Isaac Newton", "Marie Curie", "Napoleon", "Shakespeare", "Mozart", "Beethoven",
           "Leonardo da Vinci", "Charles Darwin", "Cleopatra", "Julius Caesar",
           "Galileo", "Plato", "Aristotle", "Picasso", "Alan Turing", "Ada Lovelace", "Abraham Lincoln",
           "Gandhi", "Nelson Mandela", "the Eiffel Tower", "the Great Wall", "the Amazon",
           "Facebook", "YouTube", "Wikipedia", "TikTok", "Minecraft", "Star Wars", "Harry Potter", "Batman",
           "football", "chess", "tennis", "jazz", "yoga", "Christmas", "Easter"]
CONFUSED = "I do not understand. Ask me about Troika, commands, words or numbers."


def tasks(rng) -> Talk:
    command, ways = pick(rng, TASKS)
    question = pick(rng, _TASK).format(t=pick(rng, ways))
    return Talk("commands", ((wording(rng, question, may_lower=True), f"The command is {command}."),),
                f"task {question}")


def short_lists(rng) -> Talk:
    kind, members = pick(rng, tuple(_LISTS.items()))
    n = 2 + int(rng.random() * 5)
    question = wording(rng, pick(rng, _LIST).format(n=n if rng.random() < 0.5 else NUMBERS[n], k=kind),
                       may_lower=True)
    return Talk("lists", ((question, ", ".join(members[:n])),), f"list {question}")


def number_words(rng) -> Talk:
    dice = rng.random()
    a, b = int(rng.random() * 21), int(rng.random() * 21)
    if dice < 0.3:
        n = 3 + int(rng.random() * 17)
        said = NUMBERS[n] if rng.random() < 0.6 else n
        question = wording(rng, pick(rng, ("Count to {n}.", "Count up to {n}.", "Please count to {n}.",
                                           "Can you count to {n}?")).format(n=said), may_lower=True)
        return Talk("counting", ((question, ", ".join(map(str, range(1, n + 1)))),), f"count to {question}")
    if dice < 0.75:
        if rng.random() < 0.4:
            a, b, said, sign, result = max(a, b), min(a, b), "minus", "-", max(a, b) - min(a, b)
        elif rng.random() < 0.4 and a < 11 and b < 11:
            said, sign, result = "times", "*", a * b
        else:
            said, sign, result = "plus", "+", a + b
        question = pick(rng, ("What is {a} {s} {b}?", "{a} {s} {b}",
                              "How much is {a} {s} {b}?")).format(a=NUMBERS[a], b=NUMBERS[b], s=said)
        question = wording(rng, question, may_lower=True)
        return Talk("number words", ((question, f"{a} {sign} {b} = {result}"),), f"words {question}")
    if dice < 0.88:
        question = wording(rng, pick(rng, ("Write {a} as a word.", "Write the number {a} as a word.",
                                           "How do you write {a} in words?",
                                           "Spell the number {a}.")).format(a=a))
        return Talk("number words", ((question, NUMBERS[a]),), f"as word {question}")
    question = wording(rng, pick(rng, ("Write {w} as a number.", "Which number is {w}?",
                                       "Write {w} in digits.")).format(w=NUMBERS[a]))
    return Talk("number words", ((question, str(a)),), f"as digits {question}")


def feelings(rng) -> Talk:
    answer, words = pick(rng, _FEELINGS)
    question = pick(rng, ("I am {w}.", "I feel {w}.", "I'm {w}.", "I am so {w}.", "I am very {w} today.",
                          "I am {w} today.", "I feel {w} today.", "i am {w}", "I'm {w}",
                          "I am {w}")).format(w=pick(rng, words))
    return Talk("greetings", ((question, answer),), f"feel {question}")


def whatever(rng) -> Talk:
    if rng.random() < 0.25:
        words = [pick(rng,
                      WORDS) if rng.random() < 0.8 else invented(rng) for _ in range(2 + int(rng.random() * 6))]
        question = " ".join(words) + pick(rng, ("", "", ".", "?"))
        if rng.random() < 0.4:
            question = question.capitalize()
        return Talk("refusals", ((question, CONFUSED),), f"odd {question}")
    question = pick(rng, _ODD).format(t=pick(rng, THINGS), q=pick(rng, QUALITIES), a=pick(rng, ANIMALS),
                                      v=pick(rng, VERBS), f=pick(rng, FOODS), i=pick(rng, ABSTRACT),
                                      p=pick(rng, PEOPLE), x=pick(rng, _FAMOUS), n=2 + int(rng.random() * 98))
    return Talk("refusals", ((wording(rng, question, may_lower=True), BEYOND),), f"whatever {question}")


TOPICS = ((tasks, 6), (short_lists, 2), (number_words, 4), (feelings, 1), (whatever, 9))
