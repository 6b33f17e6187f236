"""The pages people use. A view reads, asks one verb, renders one part."""
