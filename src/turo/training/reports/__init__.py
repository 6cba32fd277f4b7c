"""What a training leaves for people and for the monitoring: card, pictures, histograms."""
