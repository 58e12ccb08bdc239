"""From an OpenAPI document to a pack: what it says is taken, what is guessed is marked, and all of it reads back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentrt.errors import DocumentError
from agentrt.tools import apis
from agentrt.tools.apis.openapi import draft
from agentrt.tools.apis.shelf import Shelf

PETS: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Pet Store", "version": "1"},
    "servers": [{"url": "https://pets.example/v1/"}],
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "schemas": {
            "Pet": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "its name: short"},
                    "age": {"type": "integer"},
                    "note": {"type": "string", "nullable": True},
                    "owner": {"type": ["null", "object"]},
                },
            }
        },
    },
    "paths": {
        "/pets": {
            "get": {"operationId": "listPets", "parameters": [{"name": "limit", "in": "query"}]},
            "post": {
                "operationId": "createPet",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
                "responses": {
                    "201": {
                        "links": {"gone": {"operationId": "deletePet", "parameters": {"petId": "$response.body#/id"}}}
                    }
                },
            },
        },
        "/pets/{petId}": {
            "parameters": [{"name": "petId", "in": "path", "required": True}],
            "get": {"operationId": "getPet"},
            "put": {"operationId": "putPet"},
            "delete": {"operationId": "deletePet"},
        },
        "/toys": {"post": {"operationId": "createToy"}},
        "/toys/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {},
            "delete": {"x-undo": {"request": "POST /toys"}},
        },
    },
}


def drafted(tmp_path: Path, document: object) -> Path:
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    file = tmp_path / "pet_store.yaml"
    file.write_text(draft(tmp_path / "openapi.json"))
    return file


def test_what_it_says_and_what_is_guessed(tmp_path: Path) -> None:
    file = drafted(tmp_path, PETS)
    pack = apis.load(file)
    assert (pack.base, pack.name) == ("https://pets.example/v1", "pet_store")
    assert pack.auth is not None and (pack.auth.header, pack.auth.value) == ("X-Key", "{secret}")
    classes = {name: operation.class_ for name, operation in pack.operations.items()}
    assert classes == {
        "list_pets": "safe",
        "create_pet": "compensable",
        "get_pet": "safe",
        "put_pet": "idempotent",
        "delete_pet": "irreversible",
        "create_toy": "compensable",
        "get_toys_id": "safe",
        "delete_toys_id": "compensable",
    }
    made = pack.operations["create_pet"]
    assert made.undo is not None and made.undo.request == "DELETE /pets/{/id}"
    assert made.parameters["name"].required and not made.parameters["age"].required
    assert {name for name, one in made.parameters.items() if one.nullable} == {"note", "owner"}
    assert (made.parameters["note"].type, made.parameters["owner"].type) == ("string", "object")
    toy, gone = pack.operations["create_toy"].undo, pack.operations["delete_toys_id"].undo
    assert toy is not None and toy.request == "DELETE /toys/{/id}" and gone is not None and gone.request == "POST /toys"
    _, confirm = Shelf().check(file)
    assert [line.partition("to be confirmed: ")[2][:7] for line in confirm] == ["GET /pe", "nothing", "the ans"]


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(PETS))

    def agentrt(*words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "agentrt", "api", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    (tmp_path / "pet_store.yaml").write_text(agentrt("import", "openapi.json"))
    assert "pet_store.yaml:37: # to be confirmed: GET" in agentrt("check", "pet_store.yaml", code=1)
    assert "create_issue         compensable  Open an issue" in agentrt("list")
    assert json.loads(agentrt("schema"))["title"] == "Pack"
    (tmp_path / "bad.yaml").write_text("name: bad\nversion: one\n")
    assert "bad.yaml:" in agentrt("check", "bad.yaml", code=2)


@pytest.mark.parametrize("document", [{"swagger": "2.0"}, {"openapi": 2}, {}])
def test_what_is_none(tmp_path: Path, document: object) -> None:
    with pytest.raises(DocumentError, match=r"this is no OpenAPI 3 document|empty"):
        drafted(tmp_path, document)


PACK = """
name: it
version: 1
about: it
docs: https://it.example
base: https://it.example
operations:
  do:
    about: does
    request: {request}
    class: {class_}
    parameters: {parameters}
    {more}
"""


@pytest.mark.parametrize(
    ("request_", "class_", "parameters", "more", "place", "said"),
    [
        ("POST /x/{id}", "irreversible", "{}", "", (10, 14), "no parameter is called `id`"),
        ("GET /x", "idempotent", "{}", "", (11, 12), "GET only asks: its class is `safe`"),
        ("POST /x", "safe", "{}", "", (11, 12), "POST does more than ask: its class is not `safe`"),
        ("POST /x", "compensable", "{}", "", (11, 12), "what is compensable needs `undo`"),
        ("POST /x", "irreversible", "{}", "undo: {request: DELETE /x}", (13, 5), "what is irreversible has no `undo`"),
        ("POST /x", "idempotent", "{}", "", (11, 12), "only PUT and PATCH are taken back by what was there before"),
        ("POST /x", "compensable", "{}", "undo: {request: 'DELETE /{nme}'}", (13, 21), "no parameter is called `nme`"),
        ("POST /x", "irreversible", "{a: {about: b, place: path}}", "", (12, 18), "the path does not have `{a}`"),
    ],
)
def test_mistakes_have_a_place(
    tmp_path: Path, request_: str, class_: str, parameters: str, more: str, place: tuple[int, int], said: str
) -> None:
    file = tmp_path / "it.yaml"
    file.write_text(PACK.format(request=request_, class_=class_, parameters=parameters, more=more))
    with pytest.raises(DocumentError) as error:
        apis.load(file)
    assert ((error.value.line, error.value.column), str(error.value).partition(": ")[2] or str(error.value)) == (
        place,
        said,
    )
