#!/usr/bin/env python3
"""The official Python client of OpenAI against a running server.

    troika serve --model models/troika-mini.gguf --model models/troika-mini-vl.gguf --queue 1
    tests/e2e/openai_client.py http://127.0.0.1:8000 [UNITTEST'S OPTIONS]

The first model is asked everything, and pictures are shown to the second. What a server with other models or a longer
queue cannot show is skipped. openai_python.py starts the server and this.
"""
import asyncio
import base64
import json
import struct
import sys
import threading
import time
import typing
import unittest
import zlib

import openai
import pydantic
from openai.lib.streaming.chat import _completions

URL = sys.argv.pop(1).rstrip("/") + "/v1"
CLIENT = openai.OpenAI(base_url=URL, api_key="none", max_retries=0, timeout=120)
MODELS = [model.id for model in CLIENT.models.list()]
MODEL = MODELS[0]
MESSAGES = [{"role": "user", "content": "What is 2 + 3?"}]
WEATHER = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"],
           "additionalProperties": False}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "parameters": WEATHER, "strict": True}}


class Person(pydantic.BaseModel):
    name: typing.Annotated[str, pydantic.Field(max_length=20)]
    age: typing.Annotated[int, pydantic.Field(ge=0, le=150)]
    kind: typing.Literal["friend", "colleague"]


def chat(client=CLIENT, **more):
    return client.chat.completions.create(**{"model": MODEL, "messages": MESSAGES, "temperature": 0, "max_tokens": 24,
                                             **more})


def respond(client=CLIENT, **more):
    return client.responses.create(**{"model": MODEL, "input": "What is 2 + 3?", "temperature": 0,
                                      "max_output_tokens": 24, **more})


def png(width, height, colour):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Chat(unittest.TestCase):
    def test_a_chat_is_answered(self):
        answer = chat()
        self.assertEqual(answer.object, "chat.completion")
        self.assertEqual(answer.model, MODEL)
        self.assertTrue(answer.choices[0].message.content)
        self.assertIn(answer.choices[0].finish_reason, ("stop", "length"))
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
        self.assertTrue(answer._request_id.startswith("req_"))

    def test_a_stream_adds_up_to_the_whole_answer(self):
        chunks = list(chat(stream=True, stream_options={"include_usage": True}))
        whole = chat()
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)
        self.assertEqual({chunk.id for chunk in chunks}, {chunks[0].id})

    def test_the_stream_helper_gives_events_and_the_whole(self):
        with CLIENT.chat.completions.stream(model=MODEL, messages=MESSAGES, temperature=0, max_tokens=24) as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_completion()
        self.assertIn("content.delta", kinds)
        self.assertEqual(kinds[-1], "content.done")
        self.assertEqual(final.choices[0].message.content, chat().choices[0].message.content)

    def test_several_choices_with_scores(self):
        answer = chat(n=3, logprobs=True, top_logprobs=2, max_tokens=5, temperature=1, seed=1)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        for choice in answer.choices:
            for token in choice.logprobs.content:
                self.assertLessEqual(token.logprob, 0)
                self.assertEqual(len(token.top_logprobs), 2)
        self.assertEqual(chat(n=3, max_tokens=5, temperature=1, seed=1).choices[2].message.content,
                         answer.choices[2].message.content)

    def test_parse_makes_an_object_of_the_model(self):
        answer = CLIENT.chat.completions.parse(model=MODEL, messages=MESSAGES, response_format=Person, temperature=0)
        self.assertIsInstance(answer.choices[0].message.parsed, Person)

    def test_parse_says_when_the_answer_is_cut(self):
        with self.assertRaises(openai.LengthFinishReasonError):
            CLIENT.chat.completions.parse(model=MODEL, messages=MESSAGES, response_format=Person, max_tokens=2)

    def test_tools_are_called_and_answered(self):
        answer = chat(tools=[CHAT_TOOL], tool_choice="required", parallel_tool_calls=False, max_tokens=80)
        message = answer.choices[0].message
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        self.assertEqual(message.tool_calls[0].function.name, "weather")
        self.assertIn("city", json.loads(message.tool_calls[0].function.arguments))
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Sunny."}
        after = chat(messages=[*MESSAGES, message, result], tools=[CHAT_TOOL], tool_choice="none")
        self.assertTrue(after.choices[0].message.content)

    def stream_call(self, tool):
        with CLIENT.chat.completions.stream(model=MODEL, messages=MESSAGES, tools=[tool], temperature=0,
                                            tool_choice="required", parallel_tool_calls=False, max_tokens=80) as stream:
            self.assertIn("tool_calls.function.arguments.done", {event.type for event in stream})
            return stream.get_final_completion().choices[0].message.tool_calls[0].function

    def test_streamed_calls_add_up(self):
        loose = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
        self.assertIn("city", json.loads(self.stream_call(loose).arguments))

    def test_strict_calls_are_parsed_as_they_stream(self):
        try:
            _completions.from_json(b"{", partial_mode=True)
        except TypeError:  # Debian puts pydantic_core's from_json in place of jiter's
            self.skipTest("this client was packaged with a from_json that does not know partial_mode")
        self.assertIsInstance(self.stream_call(CHAT_TOOL).parsed_arguments, dict)

    def test_pictures_are_seen(self):
        if len(MODELS) < 2:
            self.skipTest("serve a second model that sees")
        url = "data:image/png;base64," + base64.b64encode(png(112, 112, (200, 0, 0))).decode()
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What do you see?"}]
        answer = chat(model=MODELS[1], messages=[{"role": "user", "content": content}])
        self.assertTrue(answer.choices[0].message.content)
        with self.assertRaises(openai.BadRequestError) as refused:
            chat(messages=[{"role": "user", "content": content}])
        self.assertIn("messages[0].content[0]", refused.exception.param)

    def test_pictures_are_seen_by_responses(self):
        if len(MODELS) < 2:
            self.skipTest("serve a second model that sees")
        url = "data:image/png;base64," + base64.b64encode(png(112, 56, (0, 0, 200))).decode()
        content = [{"type": "input_image", "image_url": url, "detail": "auto"}, {"type": "input_text", "text": "And?"}]
        self.assertTrue(respond(model=MODELS[1], input=[{"role": "user", "content": content}]).output_text)


class Others(unittest.TestCase):
    def test_texts_are_completed(self):
        answer = CLIENT.completions.create(model=MODEL, prompt=["One", "Two"], max_tokens=4, logprobs=2, echo=True)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1])
        self.assertTrue(answer.choices[1].text.startswith("Two"))
        self.assertEqual(len(answer.choices[0].logprobs.tokens), len(answer.choices[0].logprobs.token_logprobs))

    def test_texts_are_completed_in_a_stream(self):
        chunks = list(CLIENT.completions.create(model=MODEL, prompt="One", max_tokens=4, temperature=0, stream=True))
        self.assertIn(chunks[-1].choices[0].finish_reason, ("stop", "length"))

    def test_vectors_come_whole_or_as_numbers(self):
        packed = CLIENT.embeddings.create(model=MODEL, input=["a cat", "a dog"])  # the client asks for base64
        plain = CLIENT.embeddings.create(model=MODEL, input=["a cat", "a dog"], encoding_format="float")
        self.assertEqual([one.index for one in packed.data], [0, 1])
        for one, other in zip(packed.data, plain.data):
            self.assertAlmostEqual(sum(x * x for x in one.embedding), 1, places=3)
            for x, y in zip(one.embedding, other.embedding):
                self.assertAlmostEqual(x, y, places=5)
        self.assertEqual(len(CLIENT.embeddings.create(model=MODEL, input="a", dimensions=8).data[0].embedding), 8)

    def test_models_are_listed_and_found(self):
        self.assertEqual(CLIENT.models.retrieve(MODEL).id, MODEL)
        with self.assertRaises(openai.NotFoundError):
            CLIENT.models.retrieve("no-such-model")


class Responses(unittest.TestCase):
    def test_input_is_answered_and_gone_on_with(self):
        first = respond(instructions="Be brief.", metadata={"k": "v"})
        self.assertTrue(first.output_text)
        self.assertEqual(first.metadata, {"k": "v"})
        second = respond(input="And 1 more?", previous_response_id=first.id)
        self.assertEqual(second.previous_response_id, first.id)
        self.assertGreater(second.usage.input_tokens, first.usage.input_tokens)
        self.assertEqual(CLIENT.responses.retrieve(first.id).output_text, first.output_text)
        self.assertEqual(len(list(CLIENT.responses.input_items.list(second.id))), 3)
        CLIENT.responses.delete(first.id)
        with self.assertRaises(openai.NotFoundError):
            CLIENT.responses.retrieve(first.id)
        with self.assertRaises(openai.BadRequestError) as refused:
            respond(previous_response_id=first.id)
        self.assertEqual(refused.exception.code, "previous_response_not_found")

    def test_items_of_earlier_answers_may_be_referred_to(self):
        first = respond()
        question = {"role": "user", "content": "What is 2 + 3?"}
        again = {"role": "user", "content": "Say that again."}
        referred = respond(input=[question, {"type": "item_reference", "id": first.output[0].id}, again])
        spelled = respond(input=[question, first.output[0].model_dump(exclude_none=True), again])
        self.assertEqual(referred.output_text, spelled.output_text)
        with self.assertRaises(openai.BadRequestError) as refused:
            respond(input=[{"type": "item_reference", "id": "msg_nothing"}])
        self.assertIn("input[0].id", refused.exception.param)

    def test_events_come_in_order(self):
        events = list(respond(stream=True))
        kinds = [event.type for event in events]
        self.assertEqual(kinds[:4], ["response.created", "response.in_progress", "response.output_item.added",
                                     "response.content_part.added"])
        self.assertIn(kinds[-1], ("response.completed", "response.incomplete"))
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        self.assertEqual(text, events[-1].response.output_text)

    def test_the_stream_helper_gives_the_whole(self):
        with CLIENT.responses.stream(model=MODEL, input="Hi", temperature=0, max_output_tokens=24) as stream:
            for _ in stream:
                pass
            self.assertTrue(stream.get_final_response().output_text)

    def test_parse_makes_an_object_of_the_model(self):
        answer = CLIENT.responses.parse(model=MODEL, input="Ann is 33.", text_format=Person, temperature=0)
        self.assertIsInstance(answer.output_parsed, Person)

    def test_tools_are_called_and_answered(self):
        tool = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}
        first = respond(tools=[tool], tool_choice="required", parallel_tool_calls=False, max_output_tokens=80)
        call = first.output[-1]
        self.assertEqual((call.type, call.name), ("function_call", "weather"))
        self.assertIn("city", json.loads(call.arguments))
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny."}
        second = respond(input=[result], previous_response_id=first.id, tools=[tool], tool_choice="none")
        self.assertEqual(second.output[-1].type, "message")


class Failures(unittest.TestCase):
    def test_what_makes_no_sense_is_a_bad_request_that_names_the_field(self):
        for field, value in ("temperature", 9), ("max_tokens", -1), ("n", 0), ("messages", []):
            with self.assertRaises(openai.BadRequestError) as refused:
                chat(**{field: value})
            self.assertEqual(refused.exception.param, field)
            self.assertIn(field, refused.exception.message)
            self.assertEqual(refused.exception.type, "invalid_request_error")

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as refused:
            chat(model="no-such-model")
        self.assertEqual(refused.exception.status_code, 404)
        self.assertEqual(refused.exception.code, "model_not_found")

    def test_too_long_a_prompt_is_told_by_its_code(self):
        with self.assertRaises(openai.BadRequestError) as refused:
            chat(messages=[{"role": "user", "content": "word " * 200_000}])
        self.assertEqual(refused.exception.code, "context_length_exceeded")

    def test_headers_come_with_raw_answers(self):
        raw = CLIENT.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES, max_tokens=2,
                                                               extra_body={"brand_new": 1})
        self.assertEqual(raw.headers["x-request-id"], raw.parse()._request_id)
        self.assertEqual(raw.headers["x-troika-ignored-fields"], "brand_new")
        self.assertEqual(raw.headers["content-type"], "application/json")
        with CLIENT.chat.completions.with_streaming_response.create(model=MODEL, messages=MESSAGES, max_tokens=2,
                                                                    stream=True) as raw:
            self.assertTrue(raw.headers["content-type"].startswith("text/event-stream"))
            self.assertTrue(any(line == "data: [DONE]" for line in raw.iter_lines()))

    def test_an_answer_that_takes_too_long_is_a_timeout(self):
        with self.assertRaises(openai.APITimeoutError):
            chat(CLIENT.with_options(timeout=0.05), n=32, max_tokens=400, extra_body={"ignore_eos": True})
        self.assertTrue(chat().choices[0].message.content)

    def test_a_port_where_nobody_listens_is_a_connection_error(self):
        with self.assertRaises(openai.APIConnectionError):
            chat(openai.OpenAI(base_url="http://127.0.0.1:1/v1", api_key="none", max_retries=0))

    # 128 answers at once, of which half have to wait, and with them whoever comes next: the one after that is told to
    # come again.
    def test_a_full_queue_is_tried_again_after_the_time_it_asks_for(self):
        patient = CLIENT.with_options(max_retries=20)
        crowd = [threading.Thread(target=lambda: chat(n=128, max_tokens=100, extra_body={"ignore_eos": True})),
                 threading.Thread(target=lambda: chat(patient, max_tokens=1))]
        for client in crowd:
            client.start()
            time.sleep(0.1)
        try:
            for _ in range(100):
                try:
                    chat(max_tokens=1)
                except openai.InternalServerError as error:
                    full = error
                    break
            else:
                self.skipTest("serve with --queue 1")
            self.assertEqual(full.status_code, 503)
            self.assertGreaterEqual(int(full.response.headers["retry-after"]), 1)
            raw = patient.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES, max_tokens=2)
            self.assertGreaterEqual(raw.retries_taken, 1)
            self.assertTrue(raw.parse().choices)
        finally:
            for client in crowd:
                client.join()


class Async(unittest.IsolatedAsyncioTestCase):
    async def test_many_are_answered_at_once(self):
        async with openai.AsyncOpenAI(base_url=URL, api_key="none", max_retries=20, timeout=120) as client:
            answers = await asyncio.gather(*(chat(client) for _ in range(8)))
            self.assertEqual(len({answer.choices[0].message.content for answer in answers}), 1)
            self.assertEqual(len({answer.id for answer in answers}), 8)
            text = ""
            async for chunk in await chat(client, stream=True):
                text += chunk.choices[0].delta.content or ""
            self.assertEqual(text, answers[0].choices[0].message.content)
            async with client.responses.stream(model=MODEL, input="Hi", max_output_tokens=8) as stream:
                kinds = [event.type async for event in stream]
            self.assertIn("response.output_text.delta", kinds)

    async def test_a_stream_may_be_given_up(self):
        async with openai.AsyncOpenAI(base_url=URL, api_key="none", max_retries=0, timeout=120) as client:
            stream = await chat(client, stream=True, max_tokens=400, extra_body={"ignore_eos": True})
            async for _ in stream:
                break
            await stream.close()
            self.assertTrue((await chat(client)).choices[0].message.content)


if __name__ == "__main__":
    print(f"openai {openai.__version__}, pydantic {pydantic.VERSION}, Python {sys.version.split()[0]}", file=sys.stderr)
    unittest.main()
