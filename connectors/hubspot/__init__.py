"""HubSpot: contacts, companies, deals and what people did; scores go back to contacts."""
