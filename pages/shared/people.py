"""Who sits before the screen, and whether they may look or run.

People sign in where `.streamlit/secrets.toml` has a section `[auth]`, or where a proxy that the
operator trusts names them (`server.trustedUserHeaders`). The operator's lists say what they may
do; what changes anything asks `check` where it is done, not only where its button is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import settings
from core.errors import NotAllowed
from pages.shared.text import plain

LOCAL = ("localhost", "127.0.0.1", "::1")


def _user() -> dict[str, Any]:
    return st.user.to_dict()


def _by_proxy() -> bool:
    """Whether the operator trusts a proxy to name people."""
    return bool(st.get_option("server.trustedUserHeaders"))


def asked() -> bool:
    """Whether people sign in on this server."""
    return "is_logged_in" in _user() or _by_proxy()


def signed_in() -> bool:
    """Whether this person has signed in; never where nobody is asked to."""
    user = _user()
    return bool(user.get("is_logged_in", _by_proxy() and user.get("email")))


def name() -> str | None:
    """What a person who has signed in is called: their address, else the name that they have."""
    user = _user()
    return str(user.get("email") or user.get("name") or "somebody") if signed_in() else None


def _listed(people: tuple[str, ...]) -> bool:
    """Whether the person's address, or `@` and its domain, is among some; never an unproven one."""
    user = _user()
    if not signed_in() or user.get("email_verified") in (False, "false"):
        return False
    address = str(user.get("email") or "").casefold()
    return bool(address) and (address in people or "@" + address.rpartition("@")[2] in people)


def may_look() -> bool:
    """Whether this person may see the pages."""
    if not asked():
        return True
    viewers = settings.people("VIEWERS")
    return signed_in() and (not viewers or _listed(viewers) or _listed(settings.people("RUNNERS")))


def refusal() -> str | None:
    """Why this person may look but not change anything; None where they may."""
    runners = settings.people("RUNNERS")
    if (not asked() and not runners) or _listed(runners):
        return None
    if not asked():
        return "Only people on the operator's list may do this, and nobody signs in here."
    return (
        "You may look at everything here, but not do this: your address is not on the operator's "
        "list of those who may (XFACTOR_RUNNERS)."
    )


def check() -> None:
    """Let those through who may run.

    Raises:
        NotAllowed: This person may not.
    """
    if (why := refusal()) is not None:
        raise NotAllowed(why)


def button(label: str, *, help: str, disabled: bool = False, **options: Any) -> bool:
    """A button that changes something; who may not press it reads why in place of the help."""
    why = refusal()
    return st.button(label, help=why or help, disabled=disabled or why is not None, **options)


def sign_in() -> None:
    """What those see who may not look: how to sign in, or why that was not enough."""
    st.title("X-Factor Lab", anchor=False)
    if signed_in():
        st.error(
            f"You signed in as {plain(name() or '')}, who is not on the operator's list of those "
            "who may look (XFACTOR_VIEWERS). Ask the operator, or sign in as somebody else.",
            icon=":material/block:",
        )
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
    else:
        st.caption("People sign in here before they see or change anything.")
        for provider in _providers():
            label = "Sign in" + (f" with {plain(provider.capitalize())}" if provider else "")
            st.button(
                label,
                icon=":material/login:",
                on_click=st.login,
                args=(provider,),
                help="You are sent to the provider that the operator chose, and come back.",
            )


def _providers() -> list[str | None]:
    """Names of the providers in the secrets; None for one without a name."""
    auth = st.secrets["auth"]
    named = [key for key, one in auth.items() if isinstance(one, Mapping) and "client_id" in one]
    return list(named) or [None]


def panel() -> None:
    """Who this is and what they may do; without sign-in, who can reach the server."""
    if signed_in():
        st.text(f"Signed in as {name()}")  # As Markdown an address would become a link.
        if refusal() is not None:
            st.caption("You may look at everything; starting and tagging is for others.")
        if "is_logged_in" in _user():
            st.button("Sign out", icon=":material/logout:", type="tertiary", on_click=st.logout)
        return
    address = st.get_option("server.address")
    if address in LOCAL:
        st.caption("Nobody signs in: the server answers this machine only")
    else:
        st.caption(
            f"Nobody signs in, and the server listens on {plain(address or 'every address')}: "
            "whoever reaches it may run and delete"
        )
