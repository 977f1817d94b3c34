"""The table as text and JSON, and plots as SVG."""

import html
import json
import math
import os
import platform

import rig

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 420, 70, 50, 40, 150
COLOURS = ("#1f5fa8", "#c1440e", "#3a7d44", "#7b3f9d", "#8a6d00")


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        model = next((line.split(":", 1)[1].strip() for line in f
                      if line.startswith("model name")), "")
    return {"cpus": os.cpu_count(), "model": model,
            "kernel": platform.release(),
            "commit": rig.tools.run(
                "git", "-C", rig.tools.TREE, "rev-parse", "--short",
                "HEAD").stdout.strip()}


def write(folder, figures, series):
    folder.mkdir(parents=True, exist_ok=True)
    about = machine()
    (folder / "table.json").write_text(json.dumps({
        "machine": about, "figures": [one.as_json() for one in figures],
        "series": series}, indent=1) + "\n")
    (folder / "table.txt").write_text(
        ", ".join(f"{key} {value}" for key, value in about.items()) + "\n"
        + "".join(one.as_text() + "\n" for one in figures))
    for name, one in series.items():
        (folder / f"{name}.svg").write_text(plot(**one))


def plot(title, x, y, lines, log_x=False, log_y=False):
    """lines: {name: [(x, y)]}."""
    points = [p for line in lines.values() for p in line]
    across = _axis([p[0] for p in points], log_x, LEFT, WIDTH - RIGHT)
    up = _axis([p[1] for p in points] + ([] if log_y else [0]), log_y,
               HEIGHT - BOTTOM, TOP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
             f'{HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             _text(LEFT, 22, title, size=15),
             _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x, "middle"),
             _text(8, TOP - 6, y)]
    for value, at in across.ticks():
        parts += [_line(at, TOP, at, HEIGHT - BOTTOM, "#ddd"),
                  _text(at, HEIGHT - BOTTOM + 16, f"{value:g}", "middle")]
    for value, at in up.ticks():
        parts += [_line(LEFT, at, WIDTH - RIGHT, at, "#ddd"),
                  _text(LEFT - 6, at + 4, f"{value:g}", "end")]
    for i, (name, line) in enumerate(lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{across.at(a):.1f},{up.at(b):.1f}"
                        for a, b in sorted(line))
        parts.append(f'<polyline points="{path}" fill="none" '
                     f'stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across.at(a):.1f}" cy="{up.at(b):.1f}" '
                  f'r="3" fill="{colour}"/>' for a, b in line]
        parts.append(_text(WIDTH - RIGHT + 10, TOP + 14 + 18 * i, name,
                           colour=colour))
    return "\n".join(parts) + "\n</svg>\n"


class _axis:
    def __init__(self, values, is_log, begin, end):
        self.is_log, self.begin, self.end = is_log, begin, end
        low, high = min(values), max(values)
        if is_log:
            self.low = math.floor(math.log10(low))
            self.high = max(math.ceil(math.log10(high)), self.low + 1)
        else:
            step = 10 ** math.floor(math.log10(max(high - low, 1e-9)))
            self.step = step / 2 if (high - low) / step < 4 else step
            self.low = math.floor(low / self.step) * self.step
            self.high = math.ceil(high / self.step) * self.step

    def at(self, value):
        value = math.log10(value) if self.is_log else value
        share = (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self):
        if self.is_log:
            values = [10 ** i for i in range(self.low, self.high + 1)]
        else:
            n = round((self.high - self.low) / self.step)
            values = [self.low + i * self.step for i in range(n + 1)]
        return [(value, self.at(value)) for value in values]


def _text(x, y, text, anchor="start", size=12, colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-size="{size}" fill="{colour}">{html.escape(text)}</text>')


def _line(x1, y1, x2, y2, colour):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}"/>')
