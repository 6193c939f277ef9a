"""Troika itself: what it is, what it runs on, its files, its server, its verbs and options.

One idea: a fact has a name for every way it may be asked. Verbs and options come from tables with shared wordings;
free questions list their own. Nothing here may promise what is not built: the devices under way are said to be so.
"""

from talk import Talk, wording
from words import pick

FACTS = (
    (("What is Troika?", "Explain Troika.", "Tell me about Troika.", "What does Troika do?", "Describe Troika in one sentence.", "What is this program?"),
     "Troika is an engine and an OpenAI-compatible server that makes the CPU, the integrated GPU and the NPU of a laptop pull one language model together."),
    (("Why is it called Troika?", "Where does the name Troika come from?", "What does the name Troika mean?", "Why the name Troika?"),
     "A troika is a carriage with three horses: here the CPU, the integrated GPU and the NPU pull together."),
    (("What are the three horses of Troika?", "Which three horses pull the carriage?", "Who are the three horses?", "Which devices does Troika want to use?"),
     "The three horses are the CPU, the integrated GPU and the NPU."),
    (("Does Troika use the NPU?", "Can Troika use the NPU today?", "Does the NPU work with Troika?", "Is the NPU supported?", "Is NPU support ready?"),
     "Not yet: the NPU part is in development. Today Troika runs on the CPU."),
    (("Does Troika use the GPU?", "Can Troika use the GPU today?", "Does the integrated GPU work with Troika?", "Is the GPU supported?", "Is GPU support ready?",
      "Does Troika support Vulkan?", "Is Vulkan support ready?"),
     "Not yet: the GPU part, on Vulkan, is in development. Today Troika runs on the CPU."),
    (("What does Troika run on today?", "Which device does Troika use today?", "What do you run on?", "What hardware do you run on?", "Where do you run?",
      "Are you running on the CPU?"),
     "Today Troika runs on the CPU. The GPU and NPU parts are in development."),
    (("Which laptops is Troika made for?", "Which processors is Troika made for?", "What hardware is Troika for?", "Which hardware does Troika target?",
      "Which machines is Troika built for?"),
     "Troika is made for laptops and mini-PCs with AMD Ryzen 7040 and 8040 processors."),
    (("Which NPU is Troika made for?", "What kind of NPU does Troika target?", "Which NPU will Troika use?"), "Troika is made for the XDNA1 NPU of AMD Ryzen 7040 and 8040."),
    (("How will Troika use the GPU?", "Which API does Troika use for the GPU?", "How does Troika talk to the GPU?"), "Troika will drive the integrated GPU through Vulkan. That part is in development."),
    (("Which port does Troika use?", "What is the default port?", "What port does the server listen on?", "On which port does Troika serve?", "Which port is it?"),
     "The server listens on port 8000."),
    (("What address does the server have?", "What is the base URL?", "What is the URL of the server?", "Which base URL do I use?", "Where does the server listen?"),
     "The server listens on http://127.0.0.1:8000."),
    (("How do I start Troika?", "How do I start the server?", "How can I run the server?", "How do I launch Troika?", "How do I get started?"),
     "Type ./run in the project folder: it builds Troika and starts the server on port 8000."),
    (("How do I chat in the terminal?", "How can I chat with you in the terminal?", "How do I start a chat?", "How do I talk to you in a terminal?"),
     "Type ./run run in the project folder."),
    (("How do I run the tests?", "How can I test Troika?", "How do I start the tests?", "How are the tests run?"), "Type ./test in the project folder."),
    (("Which file formats does Troika read?", "Which model formats does Troika support?", "What formats can Troika load?", "Which model files can I use?", "What file formats are supported?"),
     "Troika reads GGUF files and Hugging Face safetensors folders."),
    (("Does Troika read GGUF files?", "Can I use a GGUF file?", "Does Troika support GGUF?", "Can Troika load GGUF?"), "Yes, Troika reads GGUF files."),
    (("Does Troika read safetensors?", "Can I use a safetensors folder?", "Does Troika support safetensors?", "Can Troika load safetensors?"),
     "Yes, Troika reads Hugging Face safetensors folders."),
    (("Do I need to convert models?", "Must I convert a model first?", "Is a conversion needed?", "Do models have to be converted for Troika?"),
     "No, GGUF files and safetensors folders are used as they are."),
    (("Which models does Troika run?", "Which models are supported?", "What models can Troika run?", "Which model families does Troika know?"),
     "Troika runs Qwen2.5 models today. More families, such as Qwen3 and Gemma, are planned."),
    (("Does Troika run Gemma?", "Can Troika run Qwen3?", "Does Troika support Gemma 3?", "Is Qwen3 supported?"), "Not yet: Qwen3 and Gemma are planned. Today Troika runs Qwen2.5 models."),
    (("Does Troika run Qwen2.5?", "Can Troika run Qwen2.5?", "Is Qwen2.5 supported?", "Can I use a Qwen2.5 model?"), "Yes, Troika runs Qwen2.5 models."),
    (("Which API does Troika offer?", "What API does the server speak?", "Which API does the server have?", "Is the server compatible with OpenAI?", "Is Troika OpenAI-compatible?"),
     "The server speaks the OpenAI API: change the base URL, nothing else."),
    (("How do I use the openai client with Troika?", "How do I connect the openai client?", "Can I use the openai client?", "How do I point my OpenAI tool at Troika?"),
     "Set the base URL of the client to http://127.0.0.1:8000/v1."),
    (("Which endpoint is for chat?", "What is the chat endpoint?", "Which URL path is for chats?"), "The chat endpoint is /v1/chat/completions."),
    (("Which endpoint lists the models?", "How do I list the models over HTTP?", "What is the models endpoint?"), "The endpoint /v1/models lists the models."),
    (("Which endpoint is for plain completions?", "What is the completions endpoint?", "Which URL path is for text completions?"), "The endpoint for plain text is /v1/completions."),
    (("Is there a health check?", "Which endpoint tells the health of the server?", "What is the health endpoint?"), "The endpoint /health tells whether the server is well."),
    (("Does the server stream?", "Can the server stream its answers?", "Is streaming supported?", "Does Troika support streaming?"), "Yes, the server streams when a request says \"stream\": true."),
    (("In which language is Troika written?", "What is Troika written in?", "Which programming language is Troika written in?", "Is Troika written in C++?"), "Troika is written in C++20."),
    (("What licence does Troika have?", "What is the license of Troika?", "Under which licence is Troika?", "Is Troika open source?", "Is Troika free software?"),
     "Troika has the Apache-2.0 licence."),
    (("Which operating system does Troika need?", "What operating system does Troika run on?", "Does Troika run on Linux?", "Which systems does Troika run on?"),
     "Troika runs on Linux: Debian and Ubuntu."),
    (("Does Troika run on Windows?", "Does Troika work on Windows?", "Can I use Troika on a Mac?", "Does Troika run on macOS?", "Is there a Windows version?", "Does it run on Windows?",
      "Does Troika run on Android?", "Can I run Troika on my phone?"),
     "No, Troika runs on Linux: Debian and Ubuntu."),
    (("Does Troika run Llama models?", "Can I use Llama models?", "Can I run Mistral?", "Does Troika support Phi?", "Can I use a Mistral model?", "Does Troika run GPT-2?", "Can Troika run DeepSeek?",
      "Is Llama supported?", "Does Troika support Mixtral?"),
     "No: Troika runs Qwen2.5 models today; Qwen3 and Gemma are planned."),
    (("What is Vulkan?", "Explain Vulkan.", "What does Vulkan do?"), "Vulkan is a programming interface for GPUs. Troika will use it for the integrated GPU."),
    (("How do I use curl with the server?", "How do I ask the server with curl?", "Give me a curl example.", "Show me a curl command for the server.", "How do I test the server with curl?"),
     "curl http://127.0.0.1:8000/v1/chat/completions -d '{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'"),
    (("What is OpenAI-compatible?", "What does OpenAI-compatible mean?", "Why is the server OpenAI-compatible?"), "Programs written for the OpenAI API work with the server when their base URL is changed."),
    (("What is a language model?", "What is an LLM?", "Explain what a language model is."), "A language model is a program that continues text, one token after the other."),
    (("What is a CPU?", "What does CPU mean?", "Explain what a CPU is."), "The CPU is the central processing unit: the processor that runs programs."),
    (("What is a GPU?", "What does GPU mean?", "Explain what a GPU is."), "The GPU is the graphics processing unit: a processor that does many calculations at once."),
    (("Do you remember our earlier chats?", "Do you have a memory?", "Do you remember me?", "Can you remember things?"), "I remember only what was said in this chat."),
    (("Which languages do you speak?", "Do you speak German?", "Do you speak French?", "Can you speak Spanish?", "What languages do you know?", "Do you understand Russian?"), "I understand only English."),
    (("How do I stop the server?", "How do I quit the server?", "How can I end the server?"), "Press Ctrl+C in the terminal of the server."),
    (("How do I leave the chat?", "How do I quit the chat?", "How do I end this chat?", "How do I exit?"), "Type /bye in the terminal chat."),
    (("Does Troika need the internet?", "Do you need the internet?", "Does Troika work offline?", "Can I use Troika without the internet?"),
     "No internet is needed: the model runs on your own machine."),
    (("Does Troika send my data anywhere?", "Is my data private?", "Do you send my messages to a company?", "Who sees my messages?", "Does my data leave my machine?"),
     "Your messages stay on your machine: Troika runs locally."),
    (("Who are you?", "What are you?", "Introduce yourself.", "What is your name?", "Who am I talking to?", "Are you ChatGPT?", "Which model are you?", "Tell me who you are."),
     "I am Troika, a small language model that ships with the Troika engine."),
    (("How large are you?", "How big are you?", "What is your size?", "How many parameters do you have?", "How big is the embedded model?"),
     "I have about 18 million parameters, in a file of less than 20 MB."),
    (("Which architecture do you have?", "What is your architecture?", "What kind of model are you?", "Which architecture does the embedded model have?"),
     "I have the Qwen2.5 architecture and was trained from nothing for Troika."),
    (("How were you trained?", "Who trained you?", "On what data were you trained?", "What were you trained on?", "Where does your knowledge come from?"),
     "I was trained for Troika on chats that a program wrote, with the code in tools/train."),
    (("What can you do?", "What can you help me with?", "What are you good at?", "How can you help me?", "What do you know?", "Help"),
     "I can explain Troika and common commands, do small sums, spell and reverse words, convert units, name capitals and write JSON."),
    (("What can you not do?", "What are your limits?", "What are you bad at?", "What are your weaknesses?"),
     "I am very small: I cannot write long texts or code, and I know little of the world."),
    (("Are you a human?", "Are you a person?", "Are you a robot?", "Are you real?", "Are you alive?"), "No, I am a small language model."),
    (("What is a GGUF file?", "What is GGUF?", "Explain GGUF."), "GGUF is a file format that holds a language model: its weights, its tokenizer and its settings."),
    (("What is safetensors?", "What are safetensors?", "Explain safetensors."), "Safetensors is a safe file format for the weights of a model."),
    (("What is an NPU?", "What does NPU mean?", "Explain what an NPU is."), "An NPU is a neural processing unit: a part of the processor made for matrix arithmetic."),
    (("What is a token?", "What is a token in a language model?", "Explain what a token is."), "A token is a piece of text, a word or a part of one, that a language model reads and writes."),
    (("What is quantization?", "Explain quantization.", "What does it mean to quantize a model?"), "Quantization stores the weights of a model with fewer bits, so that it is smaller and faster."),
    (("What is a KV cache?", "Explain the KV cache.", "What is the KV cache for?"), "The KV cache keeps the keys and values of earlier tokens, so that they are not computed again."),
    (("What is prefill?", "Explain prefill.", "What does prefill mean?"), "Prefill is the reading of the prompt, before the first token of the answer."),
    (("How fast is Troika?", "How many tokens per second do you make?", "What speed does Troika reach?", "Is Troika fast?"),
     "Measure it on your machine with troika bench: no number is shown that was not measured."),
    (("How do I use my own model?", "How do I run another model?", "How can I use a bigger model?", "How do I load another model?"),
     "Type ./run serve --model FILE with a GGUF file or a safetensors folder."),
    (("Which environment variables does Troika read?", "Can I set options by environment variables?", "Do options have environment variables?"),
     "Every option has an environment twin that begins with TROIKA_."),
    (("Where is the binary?", "Where is the troika binary?", "Where do I find the program after the build?"), "The binary is build/release/troika."),
    (("Can several people use Troika at once?", "Can several users share one server?", "Does Troika serve many users?", "How many people can use it?"),
     "Yes, several people can use one server at once: their requests run in one batch."),
    (("What does Troika do when something fails?", "What is honest about Troika?", "Why is Troika honest?"),
     "Troika says why it refuses a request and shows no number that was not measured."),
)

VERBS = (
    ("run", "troika run chats with a model in the terminal."),
    ("serve", "troika serve starts the OpenAI-compatible server."),
    ("show", "troika show tells what a model file holds."),
    ("plan", "troika plan says what fits where and how fast it will be."),
    ("bench", "troika bench measures the speed of a model and its share of the machine's limits."),
    ("compare", "troika compare runs a model on two devices and names the first operation that differs."),
    ("doctor", "troika doctor tells what hardware, drivers and limits it found and what to do about them."),
    ("tokenize", "troika tokenize turns texts into token ids."),
    ("render", "troika render writes the prompt that a chat becomes."),
    ("logits", "troika logits writes the logits of a prompt to files."),
    ("generate", "troika generate continues token ids greedily."),
    ("pull", "troika pull will download a model; it is planned."),
    ("list", "troika list will list the models on the disk; it is planned."),
    ("rm", "troika rm will delete a model from the disk; it is planned."),
    ("ps", "troika ps will show the models that are loaded; it is planned."),
    ("stop", "troika stop will unload a model; it is planned."),
    ("quantize", "troika quantize will write a smaller GGUF file of a model; it is planned."),
)
_VERB = ["What does troika {v} do?", "What is troika {v}?", "Explain troika {v}.", "What is the verb {v} for?", "What does the verb {v} do?",
         "What does `troika {v}` do?", "Tell me about troika {v}.", "What is troika {v} for?", "When do I use troika {v}?", "Describe troika {v}.",
         "What does the troika verb {v} do?", "What does ./run {v} do?", "troika {v}"]
_TASKS = (
    ("run", ("chat with a model in the terminal", "talk to a model in the terminal")), ("serve", ("start the server", "serve a model over HTTP")),
    ("show", ("see what a model file holds", "look into a model file")), ("plan", ("see what fits into memory", "see which device runs what")),
    ("bench", ("measure the speed", "measure tokens per second")), ("compare", ("compare two devices", "find the operation where two devices differ")),
    ("doctor", ("check my hardware", "check drivers and permissions", "find out what is wrong with my machine")),
    ("tokenize", ("turn text into token ids", "count the tokens of a text")), ("render", ("see the prompt of a chat", "apply the chat template")),
    ("logits", ("get the logits of a prompt",)), ("generate", ("continue token ids",)),
)
_TASK = ["Which verb do I need to {t}?", "How do I {t} with Troika?", "Which Troika command do I use to {t}?", "What is the verb to {t}?", "How can I {t}?"]

OPTIONS = (
    ("--device", "--device chooses the device: cpu, vulkan, npu or auto. Only cpu is ready today."),
    ("--dtype", "--dtype f32 computes in float32 where that is offered."),
    ("--threads", "--threads sets the number of CPU threads."),
    ("--ctx", "--ctx sets the length of the context in tokens."),
    ("--kv", "--kv chooses the format of the KV cache, such as f16."),
    ("--json", "--json prints the result as JSON."),
    ("--seed", "--seed fixes the random numbers, so that a run can be repeated."),
    ("--port", "--port sets the port of the server; the default is 8000."),
    ("--host", "--host sets the address that the server listens on."),
    ("--model", "--model names the model to serve: a GGUF file or a safetensors folder."),
    ("--quant", "--quant quantises the weights while loading, for example to q4_k."),
    ("--special", "--special lets troika tokenize read special tokens in the text."),
    ("--decode", "--decode lets troika tokenize turn ids back into text."),
    ("--print", "--print lets troika plan show the tape of operations."),
    ("--ids", "--ids names the JSON file with the token ids."),
    ("--tokens", "--tokens sets how many tokens troika generate makes."),
    ("--batch", "--batch runs all prompts of troika logits as one batch."),
)
_OPTION = ["What does {o} do?", "What is {o} for?", "What does the option {o} do?", "Explain the option {o}.", "What is the option {o}?", "What does `{o}` mean?",
           "Tell me about {o}.", "When do I need {o}?"]
_CHAT = (("/help", "/help lists the commands of the chat."), ("/set", "/set changes a setting, such as the temperature."),
         ("/save", "/save writes the chat to a file."), ("/load", "/load reads a chat from a file."),
         ("/clear", "/clear forgets the chat so far."), ("/bye", "/bye ends the chat."))
_SLASH = ["What does {o} do in the chat?", "What is {o} for?", "What does the chat command {o} do?", "Explain {o}.", "What does {o} do?"]


def facts(rng) -> Talk:
    questions, answer = pick(rng, FACTS)
    question = wording(rng, pick(rng, questions), may_lower=True)
    return Talk("troika", ((question, answer),), f"troika {question}")


def verbs(rng) -> Talk:
    dice = rng.random()
    if dice < 0.45:
        verb, answer = pick(rng, VERBS)
        question = pick(rng, _VERB).format(v=verb)
    elif dice < 0.65:
        verb, tasks = pick(rng, _TASKS)
        question, answer = pick(rng, _TASK).format(t=pick(rng, tasks)), f"Use troika {verb}."
    elif dice < 0.9:
        option, answer = pick(rng, OPTIONS)
        question = pick(rng, _OPTION).format(o=option)
    else:
        option, answer = pick(rng, _CHAT)
        question = pick(rng, _SLASH).format(o=option)
    return Talk("verbs", ((wording(rng, question, may_lower=True), answer),), f"verb {question}")


TOPICS = ((facts, 10), (verbs, 8))
