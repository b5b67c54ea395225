"""Actions of the tab Results and of its modals."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPES: tuple[Scope, ...] = (
    Scope(
        "results",
        "Results",
        (
            Action(
                "results.filter",
                "slash",
                "Filter",
                "Show only some results: words, or a SQL condition",
            ),
            Action("results.open", "o", "Open", "Show all of a result (also enter)", footer=False),
            Action(
                "results.sort", "s", "Sort", "Sort by the current column; again to turn it round"
            ),
            Action("results.mark", "space", "Mark", "Mark the result, to compare or export it"),
            Action("results.unmark", "u", "Unmark", "Take all marks off", footer=False),
            Action("results.compare", "c", "Compare", "Compare the marked results, or two runs"),
            Action("results.columns", "v", "Columns", "Choose the columns", False),
            Action("results.group", "b", "Group", "Group by columns, or no more", False),
            Action("results.chart", "n", "Next chart", "Show the next kind of chart"),
            Action("results.log", "L", "Log", "Turn logarithmic axes on or off", footer=False),
            Action("results.next", "right_square_bracket", "Next", "Go to the next part", False),
            Action(
                "results.previous", "left_square_bracket", "Back", "Go to the part before", False
            ),
            Action("results.export", "w", "Export", "Write what is shown to a file"),
            Action("results.copy", "y", "Copy", "Copy what is current or marked", footer=False),
            Action("results.report", "R", "Report", "Make the report of this store", footer=False),
            Action(
                "results.clear", "escape", "Clear", "Leave the filter; again to clear it", False
            ),
        ),
    ),
    Scope(
        "filter",
        "The filter of the results",
        (
            Action("filter.submit", "enter", "Apply", "Go to what the filter leaves"),
            Action("filter.leave", "escape", "Leave", "Go back to the results; it stays"),
        ),
    ),
    Scope(
        "result",
        "A result",
        (
            Action("result.next", "right_square_bracket,right", "Next", "Go to the next part"),
            Action("result.previous", "left_square_bracket,left", "Back", "Go to the part before"),
            Action("result.later", "n", "Next result", "Go to the next row of the table"),
            Action("result.earlier", "p", "Previous result", "Go to the row before", False),
            Action("result.copy", "y", "Copy", "Copy all of the result as JSON"),
            Action("result.close", "escape,q", "Close", "Go back"),
        ),
    ),
    Scope(
        "pick",
        "A list to choose from",
        (
            Action("pick.mark", "space", "Mark", "Mark what is to be taken, or take its mark off"),
            Action("pick.done", "enter", "Done", "Take what is marked"),
            Action("pick.close", "escape", "Cancel", "Leave everything as it was"),
        ),
    ),
    Scope(
        "export",
        "Export",
        (
            Action("export.write", "enter", "Write", "Write the file"),
            Action("export.close", "escape", "Cancel", "Write nothing"),
        ),
    ),
)
