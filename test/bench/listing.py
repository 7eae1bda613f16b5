# SPDX-License-Identifier: MIT
"""listing: GET /api/v1/servers as one would write it with Flask and SQLAlchemy, on the database of left4me-web.

What the page is measured beside; gunicorn runs it."""

import hashlib
import json
import os

import flask
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, create_engine, select
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship, selectinload

Base = declarative_base()
ALL = ["view", "operate", "console", "files", "manage"]


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    role = Column(String)


class Token(Base):
    __tablename__ = "api_tokens"
    id = Column(Integer, primary_key=True)
    hash = Column(LargeBinary)
    user = Column(ForeignKey("users.id"))
    owner = relationship(User)


class Blueprint(Base):
    __tablename__ = "blueprints"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Port(Base):
    __tablename__ = "server_ports"
    port = Column(Integer, primary_key=True)
    server = Column(ForeignKey("servers.id"))
    kind = Column(String)


class Live(Base):
    __tablename__ = "live_states"
    server = Column(ForeignKey("servers.id"), primary_key=True)
    state = Column(String)
    changed_us = Column(Integer)
    status = Column(String)


class Playing(Base):
    __tablename__ = "live_players"
    server = Column(ForeignKey("servers.id"), primary_key=True)
    n_humans = Column(Integer)
    n_bots = Column(Integer)
    n_max = Column(Integer)
    map = Column(String)


class Server(Base):
    __tablename__ = "servers"
    id = Column(Integer, primary_key=True)
    instance = Column(String)
    name = Column(String)
    owner_id = Column("owner", ForeignKey("users.id"))
    blueprint_id = Column("blueprint", ForeignKey("blueprints.id"))
    overlay = Column(Integer)
    hostname = Column(String)
    wanted = Column(String)
    revision = Column(Integer)
    created_unix_s = Column(Integer)
    changed_unix_s = Column(Integer)
    owner = relationship(User)
    blueprint = relationship(Blueprint)
    ports = relationship(Port)
    live = relationship(Live, uselist=False)
    playing = relationship(Playing, uselist=False)

    def to_json(self):
        status, playing = json.loads(self.live.status or "{}") if self.live else {}, self.playing
        return {
            "id": self.id, "instance": self.instance, "name": self.name, "owner": {"id": self.owner.id, "name": self.owner.name},
            "blueprint": {"id": self.blueprint.id, "name": self.blueprint.name}, "overlay": self.overlay, "hostname": self.hostname,
            "ports": {port.kind: port.port for port in self.ports}, "wanted": self.wanted, "may": ALL, "revision": self.revision,
            "created": self.created_unix_s, "changed": self.changed_unix_s, "state": self.live.state if self.live else "unknown",
            "since": self.live.changed_us // 1000000 if self.live else None, "pending": status.get("pending", []),
            "exit": status.get("last_exit", {}).get("explain"),
            "players": {"n": playing.n_humans, "bots": playing.n_bots, "max": playing.n_max, "map": playing.map} if playing else None,
        }


app = flask.Flask(__name__)
engine = create_engine(f"sqlite:///{os.environ['DATABASE']}")


@app.get("/api/v1/servers")
def servers():
    word = flask.request.headers["Authorization"].removeprefix("Bearer ")
    hashed = hashlib.blake2b(word.encode(), digest_size=32, key=b"left4me api token").digest()
    with Session(engine) as session:
        token = session.scalars(select(Token).where(Token.hash == hashed).options(joinedload(Token.owner))).one()
        if token.owner.role != "admin":
            flask.abort(403)
        rows = session.scalars(select(Server).order_by(Server.id).limit(100).options(
            joinedload(Server.owner), joinedload(Server.blueprint), joinedload(Server.live), joinedload(Server.playing), selectinload(Server.ports)))
        return flask.jsonify(servers=[row.to_json() for row in rows], next=None)
