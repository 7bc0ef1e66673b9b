"""What the login's window shows at its end, in the languages of the packages' page."""

import secrets
from html import escape
from typing import NamedTuple


class Texts(NamedTuple):
    """The sentences of one language."""

    title: str
    done: str
    copy: str
    unknown: str
    failed: str


TEXTS = {
    "en": Texts(
        "Login",
        "You are logged in. You can close this window.",
        "If your course page does not go on by itself, type this code there:",
        "You are logged in, but you are not known here yet. Tell your training team.",
        "The login did not work. Close this window and try again from your course page.",
    ),
    "de": Texts(
        "Anmeldung",
        "Sie sind angemeldet. Sie können dieses Fenster schließen.",
        "Wenn Ihre Kursseite nicht von selbst weitergeht, geben Sie dort diesen Code ein:",
        "Sie sind angemeldet, aber hier noch nicht bekannt. Sagen Sie Ihrem Trainingsteam Bescheid.",
        "Die Anmeldung hat nicht geklappt. Schließen Sie dieses Fenster und versuchen Sie es noch einmal.",
    ),
    "fr": Texts(
        "Connexion",
        "Vous êtes connecté. Vous pouvez fermer cette fenêtre.",
        "Si votre page de cours ne continue pas d'elle-même, saisissez-y ce code :",
        "Vous êtes connecté, mais vous n'êtes pas encore connu ici. Prévenez votre équipe de formation.",
        "La connexion n'a pas abouti. Fermez cette fenêtre et réessayez depuis votre page de cours.",
    ),
    "es": Texts(
        "Inicio de sesión",
        "Ha iniciado sesión. Puede cerrar esta ventana.",
        "Si la página del curso no continúa por sí sola, escriba allí este código:",
        "Ha iniciado sesión, pero aquí aún no se le conoce. Avise a su equipo de formación.",
        "No se pudo iniciar sesión. Cierre esta ventana e inténtelo de nuevo desde la página del curso.",
    ),
    "ja": Texts(
        "ログイン",
        "ログインしました。このウィンドウを閉じてください。",
        "コースのページが自動的に進まない場合は、そこに次のコードを入力してください：",
        "ログインしましたが、まだ登録されていません。研修チームに知らせてください。",
        "ログインできませんでした。このウィンドウを閉じ、コースのページからもう一度お試しください。",
    ),
}
UNKNOWN = frozenset({"no_learner", "no_claim", "unverified_email"})


def render(language: str, code: str | None, origin: str | None, why: str) -> tuple[str, str]:
    """The page and its Content-Security-Policy. The code goes to the opener only if that is of exactly ``origin``."""
    nonce = secrets.token_urlsafe(16)
    said = TEXTS[language]
    script = ""
    if code is None:
        body = f"<p>{escape(said.unknown if why in UNKNOWN else said.failed)}</p>"
    else:
        body = f'<p>{escape(said.done)}</p><p>{escape(said.copy)}</p><p><strong id="code">{escape(code)}</strong></p>'
        if origin and origin != "null":  # a page without an origin cannot be told from any other: it is typed there
            script = _SCRIPT.format(nonce=nonce, code=escape(code), origin=escape(origin))
    policy = (
        f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
    return _PAGE.format(language=language, title=escape(said.title), nonce=nonce, body=body, script=script), policy


_SCRIPT = """<script nonce="{nonce}" data-code="{code}" data-origin="{origin}">
const said = document.currentScript.dataset;
if (window.opener) {{
  window.opener.postMessage({{ rolecall: "login", code: said.code }}, said.origin);
  window.close();
}}
</script>"""
_PAGE = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title><link rel="icon" href="data:,">
<style nonce="{nonce}">
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 32rem; margin: 2.5rem auto; padding: 0 1.25rem; }}
h1 {{ font-size: 1.35rem; margin: 0 0 .75rem; }}
strong {{ font-size: 1.5rem; letter-spacing: .06em; font-variant-numeric: tabular-nums; }}
</style></head>
<body><main><h1>{title}</h1>{body}</main>{script}</body>
</html>
"""
