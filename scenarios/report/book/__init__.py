"""The plan as a workbook, a file a stage: writing, levels, tables, sheets, environments, scenarios, summary."""
