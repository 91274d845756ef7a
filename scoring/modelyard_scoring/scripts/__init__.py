"""Scripts with ``init()`` and ``run(data)``: their process, what it takes and answers, and what it prints."""
