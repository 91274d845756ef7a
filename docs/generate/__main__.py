"""Write the pages."""

from docs.generate import REFERENCE, pages

for name, text in pages().items():
    (REFERENCE / name).write_text(text)
